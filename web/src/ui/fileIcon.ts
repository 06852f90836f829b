import { FileText, Image, type LucideIcon } from "lucide-react";

export function fileIcon(mediaType: string | undefined): LucideIcon {
  return mediaType?.startsWith("image/") ? Image : FileText;
}
