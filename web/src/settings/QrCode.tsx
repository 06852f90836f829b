import { useMemo } from "react";
import { encode } from "uqr";

/** A QR code as one path: dark modules on light paper, in both themes. */
export default function QrCode({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const code = encode(text, { ecc: "M", border: 0 });
    let drawn = "";
    code.data.forEach((row, y) => row.forEach((dark, x) => dark && (drawn += `M${x} ${y}h1v1h-1z`)));
    return { size: code.size, path: drawn };
  }, [text]);
  return (
    <div className="qr">
      <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
        <path d={path} fill="currentColor" />
      </svg>
    </div>
  );
}
