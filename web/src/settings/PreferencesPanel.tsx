export function PreferencesPanel() {
  return null;
}
