// The shop is a single page: links change the address without loading, as many real shops do.
const shop = document.getElementById("page-shop");
const product = document.getElementById("page-product");
const order = document.getElementById("page-order");
const main = document.getElementById("main");
const bag = document.getElementById("bag");
const name = document.title;

function show() {
  const onProduct = location.pathname.endsWith("/product");
  const ordered = location.pathname.endsWith("/order");
  shop.hidden = onProduct || ordered;
  product.hidden = !onProduct;
  order.hidden = !ordered;
  document.title = onProduct
    ? "Table lamp “Dusk” – Harbour & Pine"
    : ordered
      ? "Thank you – Harbour & Pine"
      : name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-link]") : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  if (link.href === location.href) return;
  history.pushState(null, "", link.href);
  show();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
addEventListener("popstate", show);

document.getElementById("add").addEventListener("click", () => {
  bag.value = String(Number(bag.value) + 1);
  // A goal that the page's script reports; it counts while a conversation goes on.
  window.parley?.("goal", "bag");
});
document.getElementById("question").addEventListener("click", () => {
  window.parley?.("open");
});
show();
