/** The keyboard shortcuts. */

const KEYS: readonly [string, string][] = [
  ["Space", "play or pause"],
  ["L", "go LIVE"],
  ["←", "play backwards"],
  ["→", "play forwards"],
  ["K", "the links that feed the archive"],
  ["?", "this help"],
  ["Esc", "close it"],
];

export function Help({ close }: { close: () => void }) {
  return (
    <div class="overlay" role="dialog" aria-modal="true" aria-label="Keyboard shortcuts" data-testid="help">
      <div class="card">
        <h2>Keyboard</h2>
        <dl class="keys">
          {KEYS.map(([key, what]) => (
            <>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </>
          ))}
        </dl>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </div>
  );
}
