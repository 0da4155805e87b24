/** Listeners to one kind of event, called in the order in which they subscribed. */

export type Unsubscribe = () => void;

export class Emitter<Args extends unknown[]> {
  private readonly listeners = new Map<symbol, (...args: Args) => void>();

  /** Returns the function that ends the subscription. */
  subscribe(listener: (...args: Args) => void): Unsubscribe {
    const id = Symbol();
    this.listeners.set(id, listener);
    return () => void this.listeners.delete(id);
  }

  emit(...args: Args): void {
    for (const listener of [...this.listeners.values()]) listener(...args);
  }
}
