import { TriangleAlert } from "lucide-react";
import { type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";
import { Icon } from "./Icon";

interface Labelled {
  label: string;
  help?: ReactNode;
  error?: string | null | undefined;
}

function Frame({ id, label, help, error, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      <div className={`field ${error ? "field--bad" : ""}`}>{children}</div>
      {error ? (
        <p className="help help--bad" id={`${id}-note`} role="alert">
          <Icon of={TriangleAlert} small />
          {error}
        </p>
      ) : (
        help && (
          <p className="help" id={`${id}-note`}>
            {help}
          </p>
        )
      )}
    </div>
  );
}

function described(id: string, { help, error }: Labelled) {
  return { id, "aria-invalid": error ? true : undefined, "aria-describedby": help || error ? `${id}-note` : undefined };
}

type FieldProps = Labelled & InputHTMLAttributes<HTMLInputElement> & { after?: ReactNode; ref?: Ref<HTMLInputElement> };

export function Field({ label, help, error, after, ...input }: FieldProps) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <input {...input} {...described(id, { label, help, error })} />
      {after}
    </Frame>
  );
}

export function TextArea({ label, help, error, ...area }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <textarea rows={3} {...area} {...described(id, { label, help, error })} />
    </Frame>
  );
}

export function Select({ label, help, error, children, ...select }: Labelled & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <select {...select} {...described(id, { label, help, error })}>
        {children}
      </select>
    </Frame>
  );
}

interface SwitchProps {
  label: string;
  help?: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}

/** A line with a switch at its end. */
export function SwitchLine({ label, help, checked, onChange, disabled }: SwitchProps) {
  const id = useId();
  return (
    <div className="switchline">
      <label className="grow" htmlFor={id}>
        {label}
        {help && <small>{help}</small>}
      </label>
      <input id={id} className="switch" type="checkbox" role="switch" checked={checked} disabled={disabled} onChange={(event) => onChange(event.target.checked)} />
    </div>
  );
}

interface SegProps<Value extends string> {
  legend: string;
  value: Value;
  options: readonly { value: Value; label: string; title?: string }[];
  onChange: (value: Value) => void;
}

/** A few choices side by side, one of them chosen. */
export function Seg<Value extends string>({ legend, value, options, onChange }: SegProps<Value>) {
  const name = useId();
  return (
    <fieldset className="seg">
      <legend className="vh">{legend}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
