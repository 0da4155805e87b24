import { describe, expect, it } from "vitest";
import { singleFlight } from "../../../src/model/page/single_flight";

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

describe("singleFlight", () => {
  it("has one request in flight, and repeats it once if it was called meanwhile", async () => {
    const answers: (() => void)[] = [];
    const ask = singleFlight(() => new Promise<void>((resolve) => answers.push(resolve)));
    for (let count = 0; count < 10; count++) ask();
    expect(answers).toHaveLength(1);
    answers[0]?.();
    await settle();
    expect(answers).toHaveLength(2);
    answers[1]?.();
    await settle();
    expect(answers).toHaveLength(2);
  });

  it("continues after a request that failed", async () => {
    let count = 0;
    const ask = singleFlight(() => {
      count++;
      return Promise.reject(new Error("away"));
    });
    ask();
    await settle();
    ask();
    expect(count).toBe(2);
  });
});
