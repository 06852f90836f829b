export function NoticesPanel() {
  return null;
}
