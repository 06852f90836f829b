// Files on their way into a message: sent with progress, then read by the server.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ApiError, api, headers } from "~/api/http";
import type { Attachment, Problem } from "~/api/types";

export interface Upload {
  key: string;
  name: string;
  sizeBytes: number;
  /** 0 to 1 while it is sent. */
  progress: number;
  attachment: Attachment | null;
  error: unknown;
}

const MOST_FILES = 20;
const LOOK_MS = 1_000;

// fetch() can't tell how much of a body has left; XMLHttpRequest can.
function send(file: File, onProgress: (part: number) => void, signal: AbortSignal): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/api/attachments");
    for (const [name, value] of Object.entries(headers("POST"))) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status < 300) resolve(request.response as Attachment);
      else reject(new ApiError(request.status, (request.response ?? {}) as Partial<Problem>));
    };
    request.onerror = () => reject(new ApiError(0, { code: "offline", retryable: true }));
    signal.addEventListener("abort", () => request.abort());
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}

function held(attachment: Attachment): Upload {
  return { key: attachment.id, name: attachment.name, sizeBytes: attachment.size_bytes, progress: 1, attachment, error: null };
}

export interface Uploads {
  list: Upload[];
  /** All are sent; some may still be read by the server, the answer waits for that. */
  settled: boolean;
  add: (files: Iterable<File>) => void;
  remove: (key: string) => void;
  clear: () => void;
  attachments: Attachment[];
}

export function useUploads(initial: Attachment[]): Uploads {
  const [list, setList] = useState<Upload[]>(() => initial.map(held));
  const aborts = useRef(new Map<string, AbortController>());

  const change = useCallback((key: string, part: Partial<Upload>) => {
    setList((old) => old.map((upload) => (upload.key === key ? { ...upload, ...part } : upload)));
  }, []);

  const add = useCallback(
    (files: Iterable<File>) => {
      for (const file of [...files].slice(0, MOST_FILES)) {
        const key = crypto.randomUUID();
        const abort = new AbortController();
        aborts.current.set(key, abort);
        setList((old) => [...old, { key, name: file.name || "image.png", sizeBytes: file.size, progress: 0, attachment: null, error: null }]);
        send(file, (progress) => change(key, { progress }), abort.signal)
          .then((attachment) => change(key, { attachment, progress: 1 }))
          .catch((error: unknown) => change(key, { error }));
      }
    },
    [change],
  );

  const reading = list.flatMap((upload) => (upload.attachment?.state === "reading" ? [`${upload.key} ${upload.attachment.id}`] : [])).join();
  useEffect(() => {
    if (reading === "") return;
    const timer = setInterval(() => {
      for (const [key = "", id] of reading.split(",").map((pair) => pair.split(" "))) {
        api.get<Attachment>(`/attachments/${id}`).then(
          (attachment) => change(key, { attachment }),
          (error: unknown) => change(key, { error }),
        );
      }
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [reading, change]);

  const attachments = useMemo(
    () => list.flatMap(({ attachment, error }) => (attachment && !error && attachment.state !== "failed" ? [attachment] : [])),
    [list],
  );

  const remove = useCallback((key: string) => {
    aborts.current.get(key)?.abort();
    aborts.current.delete(key);
    setList((old) => old.filter((upload) => upload.key !== key));
  }, []);

  return {
    list,
    settled: list.every((upload) => upload.attachment !== null || upload.error !== null),
    add,
    remove,
    clear: useCallback(() => setList([]), []),
    attachments,
  };
}
