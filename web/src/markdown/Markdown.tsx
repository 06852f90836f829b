import { memo, useMemo } from "react";
import { type Block, blocks } from "./parse";
import { CodeBlock } from "./CodeBlock";
import { useMath } from "./useMath";

const One = memo(function One({ block, open }: { block: Block; open: boolean }) {
  if (block.kind === "code") return <CodeBlock language={block.language} code={block.code} open={open && !block.closed} />;
  return <Html block={block} busy={open} />;
});

function Html({ block, busy }: { block: Exclude<Block, { kind: "code" }>; busy: boolean }) {
  const html = useMath(block.html);
  // Sanitised in parse.ts; screen readers wait for a block until it is whole.
  return <div className={block.kind === "table" ? "scroll md-table" : "prose"} aria-busy={busy || undefined} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** An answer's text. `going`: more of it is on its way. */
export default function Markdown({ text, going }: { text: string; going: boolean }) {
  const all = useMemo(() => blocks(text), [text]);
  return (
    <div className="md" data-testid="answer-text">
      {all.map((block, at) => (
        // Blocks only grow at the end: their place is their identity.
        <One key={at} block={block} open={going && at === all.length - 1} />
      ))}
    </div>
  );
}
