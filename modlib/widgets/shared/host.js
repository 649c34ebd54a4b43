// The host of live figures in a page without a kernel: it gives a module the `model` that
// JupyterLab would give it. A view's state stands in the address: #crests:a=5,b=7,off=1.3
window.modlibLive ??= (() => {
  const modules = {};
  const read = (text, like) =>
    Array.isArray(like) ? (text ? text.split(".").map(Number) : []) : Number(text);
  const write = (value) => (Array.isArray(value) ? value.join(".") : String(value));

  function fromAddress(name, state, linked) {
    let address = "";
    try {
      address = decodeURIComponent(location.hash.slice(1));
    } catch { /* a "%" that encodes nothing */ }
    const [place, values = ""] = address.split(":"), found = {};
    if (place !== name) return null;
    for (const pair of values.split(",")) {
      const [key, text] = pair.split("=");
      const value = linked.includes(key) ? read(text, state[key]) : NaN;
      if ([value].flat().every(Number.isFinite)) found[key] = value;
    }
    return found;
  }

  function makeModel(name, state, linked) {
    const listeners = {};
    let waiting = 0;
    const tell = (event) => (listeners[event] ?? []).slice().forEach((listener) => listener());
    const toAddress = () => {
      const values = linked.map((key) => `${key}=${write(state[key])}`).join(",");
      history.replaceState(null, "", `#${name}:${values}`);
    };
    return {
      get: (key) => state[key],
      set(key, value) {
        if (write(state[key]) === write(value)) return;
        state[key] = value;
        tell(`change:${key}`);
        tell("change");
      },
      on: (event, listener) => (listeners[event] ??= []).push(listener),
      off: (event, listener) =>
        (listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener)),
      save_changes() {
        clearTimeout(waiting);
        waiting = setTimeout(toAddress, 200); // a browser refuses many changes a second
      },
    };
  }

  return {
    define(name, factory) {
      modules[name] ??= factory();
    },
    start(container, name, state, linked) {
      for (const [key, value] of Object.entries(state)) {
        if (typeof value?.base64 !== "string") continue;
        const bytes = Uint8Array.from(atob(value.base64), (sign) => sign.charCodeAt(0));
        state[key] = new DataView(bytes.buffer);
      }
      const model = makeModel(name, state, linked);
      const el = document.createElement("div");
      const show = () => {
        const found = fromAddress(name, state, linked);
        if (!found) return;
        Object.entries(found).forEach(([key, value]) => model.set(key, value));
        container.scrollIntoView();
      };
      const first = fromAddress(name, state, linked);
      if (first) addEventListener("load", () => container.scrollIntoView());
      Object.assign(state, first);
      addEventListener("hashchange", show);
      container.prepend(el);
      modules[name].render({ model, el });
      container.classList.add("live-on"); // hides the picture
    },
  };
})();
