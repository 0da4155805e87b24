/** The size and scroll position of an element as signals, for lists that draw only visible rows. */

import { signal, type Signal } from "@preact/signals";

export interface Scrolling {
  top: Signal<number>;
  height: Signal<number>;
  width: Signal<number>;
  /** Observe an element; returns the function that ends it. */
  watch: (element: HTMLElement) => () => void;
}

/** Signals of one scrolled element. */
export function scrolling(): Scrolling {
  const top = signal(0);
  const height = signal(0);
  const width = signal(0);
  const watch = (element: HTMLElement) => {
    const onScroll = () => (top.value = element.scrollTop);
    const measure = () => [height.value, width.value] = [element.clientHeight, element.clientWidth];
    const observer = new ResizeObserver(measure);
    element.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(element);
    measure();
    return () => {
      element.removeEventListener("scroll", onScroll);
      observer.disconnect();
    };
  };
  return { top, height, width, watch };
}
