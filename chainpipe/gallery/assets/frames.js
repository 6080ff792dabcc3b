// Frames of a strip, which is one picture file with frames side by side.
"use strict";

(() => {
  const { el } = Gallery;
  const FOLDER = "sprites/";
  const TILE = 1.5; // width by height of the boxes that frames are cut to
  const SEAM = 1.5; // pixels of a frame at each side that its neighbour may show in

  // `cover` cuts a frame to fill its box, which is 3:2; else the box takes the frame's shape.
  function frame(strip, at, { cover = false, alt = "", eager = false } = {}) {
    const [file, width, height, seconds] = strip;
    const image = el("img", {
      src: FOLDER + file,
      alt,
      draggable: "false",
      decoding: "async",
      loading: eager ? "eager" : "lazy",
    });
    const shape = width / height;
    const inner = el("div", { class: "frame-inner" }, image);
    const box = el("div", { class: cover ? "frame cover" : "frame" }, inner);
    inner.style.aspectRatio = `${width} / ${height}`;
    if (cover) inner.classList.add(shape >= TILE ? "tall" : "wide");
    const grown = width / (width - 2 * SEAM);
    image.style.width = `${100 * seconds.length * grown}%`;
    image.style.height = `${100 * grown}%`;
    image.style.top = `${50 - 50 * grown}%`;
    box.show = (place) => {
      box.at = Math.max(0, Math.min(seconds.length - 1, place));
      const left = (box.at * width + SEAM) / (seconds.length * width);
      image.style.transform = `translateX(${-100 * left}%)`;
    };
    box.frames = seconds.length;
    box.show(at);
    return box;
  }

  function placeholder(reason, { cover = false } = {}) {
    const words = el("span", { text: reason });
    return el("div", { class: cover ? "frame cover absent" : "frame absent" }, words);
  }

  // The frame of a video that stands for it: the middle one.
  function poster(row, { cover = true, eager = false, alt = "" } = {}) {
    const strip = Gallery.videos.strip(row);
    if (!strip) return placeholder(Gallery.videos.without(row), { cover });
    return frame(strip, Math.floor(strip[3].length / 2), { cover, eager, alt });
  }

  // All frames of a strip in a row, each with its time.
  function filmstrip(strip, label) {
    const { clock } = Gallery.words;
    const items = strip[3].map((second, at) =>
      el(
        "li",
        {},
        frame(strip, at, { alt: `${label} at ${clock(second, 1)}` }),
        el("span", { class: "moment", text: clock(second, 1) }),
      ),
    );
    return el("ol", { class: "filmstrip", "aria-label": label }, ...items);
  }

  Object.assign(Gallery, { frame, placeholder, poster, filmstrip });
})();
