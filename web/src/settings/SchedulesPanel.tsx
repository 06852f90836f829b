export function SchedulesPanel() {
  return null;
}
