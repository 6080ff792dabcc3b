// Clips found in films: a time line for each film, a bar for each place.
"use strict";

(() => {
  const { el, videos, words } = Gallery;
  const { films, nowhere } = Gallery.data.films;
  const HUES = 6;

  function lengthOf(film) {
    const told = film.row >= 0 ? videos.seconds(film.row) : 0;
    return Math.max(told, ...film.places.map((place) => place.span[1]), 0.001);
  }

  // Bars that overlap go into lanes of their own.
  function lanes(places) {
    const ends = [];
    return places.map((place) => {
      let lane = ends.findIndex((end) => end <= place.span[0]);
      if (lane < 0) lane = ends.length;
      ends[lane] = place.span[1];
      return lane;
    });
  }

  function ticks(seconds) {
    const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
    const step = steps.find((each) => seconds / each <= 8) ?? 7200;
    const marks = [];
    for (let at = 0; at <= 0.96 * seconds; at += step) {
      const mark = el("span", { text: words.clock(at) });
      mark.style.left = `${(100 * at) / seconds}%`;
      marks.push(mark);
    }
    return el("div", { class: "ticks", "aria-hidden": "true" }, ...marks);
  }

  function detail(film, place) {
    const clip = place.row >= 0
      ? el("a", { href: `#/video/${place.row}`, text: place.query })
      : el("span", { text: place.query });
    const lines = [
      ["In the film", place.span.map((at) => words.clock(at, 1)).join(" to ")],
      ["In the clip", place.part.map((at) => words.clock(at, 1)).join(" to ")],
      ["Speed", place.speed.toFixed(2)],
      ["Score", place.score.toFixed(2)],
    ];
    const [inFilm, inClip] = place.strips;
    return el("div", { class: "compare" },
      el("h3", {}, clip),
      inFilm ? el("div", { class: "side" }, el("p", { class: "side-name", text: film.name }), Gallery.filmstrip(inFilm, film.name)) : "",
      inClip ? el("div", { class: "side" }, el("p", { class: "side-name", text: place.query }), Gallery.filmstrip(inClip, place.query)) : "",
      el("dl", { class: "facts tight" }, ...lines.flatMap(([term, text]) => [el("dt", { text: term }), el("dd", { text })])));
  }

  function filmSection(film, number) {
    const first = number === 0;
    const seconds = lengthOf(film);
    const rows = lanes(film.places);
    const shown = el("div", { class: "film-detail", "aria-live": "polite" });
    const track = el("div", { class: "track", role: "group", "aria-label": `Places in ${film.name}` });
    const strip = film.row >= 0 ? videos.strip(film.row) : null;
    track.style.height = `${30 * (Math.max(0, ...rows) + 1)}px`;
    film.places.forEach((place, at) => {
      const bar = el("button", {
        type: "button", class: `bar-place hue-${at % HUES}`, "aria-pressed": "false", title: place.query,
        "aria-label": `${place.query}, ${words.clock(place.span[0], 1)} to ${words.clock(place.span[1], 1)}`,
        on: {
          click: () => {
            for (const other of track.children) other.setAttribute("aria-pressed", String(other === bar));
            shown.replaceChildren(detail(film, place));
          },
        },
      }, el("span", { text: place.query.slice(place.query.lastIndexOf("/") + 1) }));
      bar.style.left = `${(100 * place.span[0]) / seconds}%`;
      bar.style.width = `${(100 * (place.span[1] - place.span[0])) / seconds}%`;
      bar.style.top = `${30 * rows[at]}px`;
      track.append(bar);
    });
    if (first) track.firstChild.click();
    const name = film.row >= 0
      ? el("a", { href: `#/video/${film.row}`, text: film.name })
      : el("span", { text: film.name });
    const ribbon = strip
      ? el("div", { class: "ribbon", "aria-hidden": "true" }, ...strip[3].map((_, at) => Gallery.frame(strip, at, { cover: true })))
      : "";
    return el("section", { class: "film" },
      el("h2", {}, name, el("small", { text: ` ${words.clock(seconds)} · ${words.counted(film.places.length, "place")}` })),
      ribbon, track, ticks(seconds), shown);
  }

  function draw(main) {
    const place = el("div");
    function fill() {
      const passing = (name, row) => !Gallery.filter.active() || Gallery.filter.passesText(name) || (row >= 0 && Gallery.filter.passes(row));
      const some = films.filter((film) => passing(film.name, film.row) || film.places.some((one) => passing(one.query, one.row)));
      place.replaceChildren(...some.map(filmSection));
      if (!films.length && !nowhere.length) place.append(el("p", { class: "nothing" }, ...Gallery.prose("No clips were looked for: `chainpipe gallery --finds FILE` shows what `find --json` printed.")));
      const lost = nowhere.filter(([name, row]) => passing(name, row));
      if (lost.length) {
        place.append(el("section", {}, el("h2", { text: "Clips that are in no film" }),
          el("ul", { class: "links" }, ...lost.map(([name, row]) => el("li", {}, row >= 0 ? el("a", { href: `#/video/${row}`, text: name }) : name)))));
      }
    }
    main.append(place);
    fill();
    document.addEventListener("filter", fill);
    return () => document.removeEventListener("filter", fill);
  }

  const count = () => films.reduce((sum, film) => sum + film.places.length, 0);
  Gallery.filmsPage = { title: "Clips in films", tab: films.length + nowhere.length > 0, count, draw };
})();
