// Clips found in films: a time line for each film, a bar for each place.
"use strict";

(() => {
  const { el, videos, words } = Gallery;
  const { films, nowhere } = Gallery.data.films;
  const HUES = 6;
  const LANE = 30; // pixels

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

  // A name, which leads to the video's page where the store has it.
  function nameOf(name, row) {
    return row >= 0 ? el("a", { href: `#/video/${row}`, text: name }) : el("span", { text: name });
  }

  function side(name, strip) {
    if (!strip) return "";
    const title = el("p", { class: "side-name", text: name });
    return el("div", { class: "side" }, title, Gallery.filmstrip(strip, name));
  }

  function detail(film, place) {
    const lines = [
      ["In the film", place.span.map((at) => words.clock(at, 1)).join(" to ")],
      ["In the clip", place.part.map((at) => words.clock(at, 1)).join(" to ")],
      ["Speed", place.speed.toFixed(2)],
      ["Score", place.score.toFixed(2)],
    ];
    const [inFilm, inClip] = place.strips;
    return el(
      "div",
      { class: "compare" },
      el("h3", {}, nameOf(place.query, place.row)),
      side(film.name, inFilm),
      side(place.query, inClip),
      Gallery.factList(lines, "tight"),
    );
  }

  function placeBar(place, seconds, choose) {
    const [start, end] = place.span;
    const name = place.query.slice(place.query.lastIndexOf("/") + 1);
    const bar = el(
      "button",
      {
        type: "button",
        class: "bar-place",
        "aria-pressed": "false",
        "aria-label": `${place.query}, ${words.clock(start, 1)} to ${words.clock(end, 1)}`,
        title: place.query,
        on: { click: choose },
      },
      el("span", { text: name }),
    );
    bar.style.left = `${(100 * start) / seconds}%`;
    bar.style.width = `${(100 * (end - start)) / seconds}%`;
    return bar;
  }

  function ribbon(strip) {
    const frames = strip[3].map((_, at) => Gallery.frame(strip, at, { cover: true }));
    return el("div", { class: "ribbon", "aria-hidden": "true" }, ...frames);
  }

  function filmSection(film, number) {
    const first = number === 0;
    const seconds = lengthOf(film);
    const rows = lanes(film.places);
    const shown = el("div", { class: "film-detail", "aria-live": "polite" });
    const track = el("div", {
      class: "track",
      role: "group",
      "aria-label": `Places in ${film.name}`,
    });
    const strip = film.row >= 0 ? videos.strip(film.row) : null;
    track.style.height = `${LANE * (Math.max(0, ...rows) + 1)}px`;
    film.places.forEach((place, at) => {
      const bar = placeBar(place, seconds, () => {
        for (const other of track.children) other.setAttribute("aria-pressed", other === bar);
        shown.replaceChildren(detail(film, place));
      });
      bar.classList.add(`hue-${at % HUES}`);
      bar.style.top = `${LANE * rows[at]}px`;
      track.append(bar);
    });
    if (first) track.firstChild.click();
    return el(
      "section",
      { class: "film" },
      el(
        "h2",
        {},
        nameOf(film.name, film.row),
        el("small", {
          text: ` ${words.clock(seconds)} · ${words.counted(film.places.length, "place")}`,
        }),
      ),
      strip ? ribbon(strip) : "",
      track,
      ticks(seconds),
      shown,
    );
  }

  function draw(main) {
    const place = el("div");
    function fill() {
      const passing = (name, row) =>
        Gallery.filter.passesText(name) || (row >= 0 && Gallery.filter.passes(row));
      const some = films.filter(
        (film) =>
          passing(film.name, film.row) || film.places.some((one) => passing(one.query, one.row)),
      );
      place.replaceChildren(...some.map(filmSection));
      if (!films.length && !nowhere.length) {
        const how = "`chainpipe gallery --finds FILE` shows what `find --json` printed";
        place.append(Gallery.note(`No clips were looked for: ${how}.`, "nothing"));
      }
      const lost = nowhere.filter(([name, row]) => passing(name, row));
      if (lost.length) {
        place.append(
          el(
            "section",
            {},
            el("h2", { text: "Clips that are in no film" }),
            el(
              "ul",
              { class: "links" },
              ...lost.map(([name, row]) => el("li", {}, nameOf(name, row))),
            ),
          ),
        );
      }
    }
    main.append(place);
    fill();
    document.addEventListener("filter", fill);
    return () => document.removeEventListener("filter", fill);
  }

  const count = () => films.reduce((sum, film) => sum + film.places.length, 0);
  Gallery.filmsPage = {
    title: "Clips in films",
    tab: films.length + nowhere.length > 0,
    count,
    draw,
  };
})();
