/** How far something is, 0 to 1; null where that is not known. */
export function Meter({ label, value }: { label: string; value: number | null }) {
  const percent = value === null ? null : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <span className="meter" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent ?? undefined}>
      <i className={percent === null ? "meter__open" : undefined} style={{ width: `${percent ?? 100}%` }} />
    </span>
  );
}
