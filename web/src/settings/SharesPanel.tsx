export function SharesPanel() {
  return null;
}
