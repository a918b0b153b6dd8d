import type { JSX as Preact } from "preact";

// Parts that are loaded later get h() handed over; for them the types of elements must be global.
declare global {
  namespace JSX {
    type Element = Preact.Element;
    type ElementType = Preact.ElementType;
    interface ElementChildrenAttribute extends Preact.ElementChildrenAttribute {}
    interface IntrinsicAttributes extends Preact.IntrinsicAttributes {}
    interface IntrinsicElements extends Preact.IntrinsicElements {}
  }
}
