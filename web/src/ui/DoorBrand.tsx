/** The ribbon and the name, above what stands outside the house. */
export function DoorBrand() {
  return (
    <div className="door__brand">
      <span className="ribbon" />
      <b>Mecum</b>
    </div>
  );
}
