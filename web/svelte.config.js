// Read by svelte-check and the Vite plugin; the defaults serve.
export default {};
