declare module 'hls.js/light' {
  export { default, type ErrorData, type FragChangedData } from 'hls.js';
}
