// An explorer as anywidget wants it: `mount` is the explorer's own, put before this by its Python.
function render({ model, el }) {
  el.classList.add("vae-explorer");
  const data = { ...model.get("data"), weights: model.get("weights") };
  let told = model.get("state");
  const explorer = mount(el, data, told, (text) => {
    told = text;
    model.set("state", text);
    model.save_changes();
  });
  const follow = () => {
    if (model.get("state") !== told) explorer.set?.((told = model.get("state")));
  };
  model.on("change:state", follow);
  const theme = new MutationObserver(() => explorer.redraw?.());
  theme.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  return () => {
    model.off("change:state", follow);
    theme.disconnect();
    explorer.close?.();
  };
}
