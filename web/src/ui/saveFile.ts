const KEEP_MS = 60_000;

/** Hands a file to the browser's own saving. */
export function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}

/** Lets the browser fetch a file by itself, piece by piece to the disk. Without `name` the server says how it is called. */
export function download(url: string, name = ""): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
