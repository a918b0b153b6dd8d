// The module that the loader and embed.js fetch when the messenger is needed.
export { attach } from "./attach";
