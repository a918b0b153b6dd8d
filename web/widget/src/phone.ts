// On a phone the panel covers the page. The back button closes it, and the page behind does not scroll.

export interface PhoneScreen {
  enter(): void;
  leave(): void;
}

export function phoneScreen(onBack: () => void): PhoneScreen {
  let inside = false;
  let pushedAt = "";
  let overflow = "";
  const { style } = document.documentElement;

  const popped = () => {
    if (!inside) return;
    pushedAt = "";
    onBack();
  };

  return {
    enter() {
      if (inside) return;
      inside = true;
      overflow = style.overflow;
      style.overflow = "hidden";
      pushedAt = location.href;
      // The page's own state is kept, so that its router finds what it knows on either side of the step.
      history.pushState(history.state, "");
      window.addEventListener("popstate", popped);
    },
    leave() {
      if (!inside) return;
      inside = false;
      style.overflow = overflow;
      window.removeEventListener("popstate", popped);
      // Take back the step, unless the back button did or the page went elsewhere meanwhile.
      if (pushedAt === location.href) history.back();
      pushedAt = "";
    },
  };
}
