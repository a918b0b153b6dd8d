// Stands for the messenger's loader on a server that was built without the web apps.
console.warn("Parley: this server was built without its web apps, so the messenger cannot load. Run `make build` and start it again.");
