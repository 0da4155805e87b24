/** Lets the user choose a JSON file. */

/** Call back with the text of a chosen file. */
export function pickText(use: (text: string) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "application/json,.json";
  input.onchange = () => {
    void input.files?.[0]?.text().then(use);
  };
  input.click();
}
