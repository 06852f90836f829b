// The typesetter with its styles and, where the device has no font for mathematics, one of ours.
import "temml/dist/Temml-Local.css";
import "./math.css";

export { default } from "temml";
