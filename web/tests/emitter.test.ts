import { describe, expect, it } from "vitest";
import { Emitter } from "../src/emitter";

describe("an emitter", () => {
  it("calls all listeners in the order of their subscription, until each ends its own", () => {
    const emitter = new Emitter<[number]>();
    const heard: string[] = [];
    const first = emitter.subscribe((value) => heard.push(`first ${value}`));
    emitter.subscribe((value) => heard.push(`second ${value}`));
    emitter.emit(1);
    first();
    first();
    emitter.emit(2);
    expect(heard).toEqual(["first 1", "second 1", "second 2"]);
  });

  it("counts the same function twice as two subscriptions", () => {
    const emitter = new Emitter<[]>();
    let count = 0;
    const listener = () => (count += 1);
    const end = emitter.subscribe(listener);
    emitter.subscribe(listener);
    emitter.emit();
    end();
    emitter.emit();
    expect(count).toBe(3);
  });

  it("lets a listener end its subscription while it is called", () => {
    const emitter = new Emitter<[]>();
    const heard: string[] = [];
    const end = emitter.subscribe(() => {
      heard.push("once");
      end();
    });
    emitter.subscribe(() => heard.push("always"));
    emitter.emit();
    emitter.emit();
    expect(heard).toEqual(["once", "always", "always"]);
  });
});
