(() => {
  "use strict";
  // No storage and no network: the page may stand in a sandboxed frame.
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const underDark = JSON.parse(document.getElementById("under-dark").textContent);
  const colours = new RegExp(Object.keys(underDark).join("|"), "gi");
  const background = /"((?:paper_|plot_)?bgcolor)":\s*"[^"]*"/g;
  const theme = () => root.dataset.theme || (prefersDark.matches ? "dark" : "light");

  const unpack = (element) => {
    const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };

  // What a figure has on A4 within the margins, in pixels, and how wide it is drawn before it is scaled to that.
  const PAPER = { width: 690, height: 850, drawn: 980 };

  let library = null;
  const plotly = () => {
    library ??= unpack(document.getElementById("plotly")).then((code) => {
      const script = document.createElement("script");
      script.textContent = code;
      document.head.append(script);
    });
    return library;
  };

  const recoloured = (part) =>
    JSON.parse(JSON.stringify(part).replace(colours, (colour) => underDark[colour.toLowerCase()]));

  const themed = (text, name) => {
    const paper = name === "dark" ? "#1d232c" : "#ffffff";
    const { data, layout } = JSON.parse(text.replace(background, (_, key) =>
      `"${key}":"${key.endsWith("_bgcolor") ? "rgba(0,0,0,0)" : paper}"`));
    if (name !== "dark") return { data, layout };
    // Filled blocks keep their colours: letters stand on them.
    return { data: data.map((trace) => (trace.fill === "toself" ? trace : recoloured(trace))), layout: recoloured(layout) };
  };

  // A plot of the page: its text, and what a reader has chosen from its list.
  class Plot {
    constructor(element) {
      this.element = element;
      this.canvas = element.querySelector(".canvas");
      this.text = null;
      this.started = false;
      this.chosen = 0;
    }

    async draw() {
      if (this.started) return;
      this.started = true;
      try {
        [this.text] = await Promise.all([unpack(this.element.querySelector(".packed")), plotly()]);
        this.render(theme());
      } catch (error) {
        this.canvas.textContent = "This browser cannot unpack the figure; the tables hold its numbers.";
      }
    }

    render(name, { onPaper = false } = {}) {
      if (this.text === null) return;
      const { data, layout } = themed(this.text, name);
      if (onPaper) {
        layout.width = Math.max(PAPER.drawn, parseInt(this.canvas.style.minWidth, 10) || 0);
        const scale = Math.min(PAPER.width / layout.width, PAPER.height / (layout.height || 560));
        this.canvas.style.setProperty("--on-paper", scale);
      }
      const menu = layout.updatemenus && layout.updatemenus[0];
      delete layout.updatemenus;
      const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
      Plotly.react(this.canvas, data, layout, config);
      if (menu) this.offer(menu.buttons);
      this.element.dataset.drawn = name;
    }

    // The figure's own list is for the mouse alone; this one is for the keyboard too.
    offer(buttons) {
      let list = this.element.querySelector("select");
      if (!list) {
        const label = document.createElement("label");
        list = document.createElement("select");
        list.id = label.htmlFor = `${this.element.id}-choice`;
        label.textContent = "Shown";
        buttons.forEach((choice, place) => list.add(new Option(choice.label.replace(/<[^>]+>/g, ""), place)));
        list.addEventListener("change", () => { this.chosen = Number(list.value); this.choose(); });
        this.element.querySelector(".choices").append(label, list);
      }
      this.buttons = buttons;
      if (this.chosen) this.choose();
    }

    choose() {
      const { method, args } = this.buttons[this.chosen];
      const [first, ...rest] = structuredClone(args);
      if (rest[0]) for (const key of Object.keys(rest[0])) if (/^title/.test(key)) delete rest[0][key];
      Plotly[method === "skip" ? "update" : method](this.canvas, first, ...rest);
    }
  }

  const plots = [...document.querySelectorAll(".plot")].map((element) => new Plot(element));
  const byElement = new Map(plots.map((plot) => [plot.element, plot]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      seen.unobserve(entry.target);
      byElement.get(entry.target).draw();
    }
  }, { rootMargin: "500px" });
  plots.forEach((plot) => seen.observe(plot.element));

  // In a sandboxed frame a link to a part of the page leads nowhere: scroll there instead.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.scrollIntoView();
    target.focus({ preventScroll: true });
    try { history.replaceState(null, "", link.getAttribute("href")); } catch { /* the frame has no history */ }
  });

  const named = () => {
    button.textContent = theme() === "dark" ? "Light theme" : "Dark theme";
  };
  const redraw = () => { named(); plots.forEach((plot) => plot.render(theme())); };
  button.addEventListener("click", () => { root.dataset.theme = theme() === "dark" ? "light" : "dark"; redraw(); });
  prefersDark.addEventListener("change", redraw);
  named();

  // What is printed is all of it: figures are drawn while the reader does nothing.
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
  const next = () => {
    const waiting = plots.find((plot) => !plot.started);
    if (waiting) waiting.draw().then(() => idle(next));
  };
  addEventListener("load", () => setTimeout(() => idle(next), 1500));
  addEventListener("beforeprint", () => plots.forEach((plot) => plot.render("light", { onPaper: true })));
  addEventListener("afterprint", () => plots.forEach((plot) => plot.render(theme())));
})();
