/** What a page of Open MCT imports. */

export { start } from "./page";
export { default } from "./plugin";
