// Play the sampled frames of a video: while the pointer is over it, or by a key.
"use strict";

(() => {
  const STEP = 420; // milliseconds that a frame is shown
  let playing = null;

  function stop() {
    if (!playing) return;
    clearInterval(playing.timer);
    playing.box.show(playing.from);
    playing.mark?.style.removeProperty("width");
    playing = null;
  }

  function mark(box, place) {
    const line = box.querySelector(".progress");
    if (line) line.style.width = `${(100 * (place + 1)) / box.frames}%`;
    return line;
  }

  // One step where motion is not wanted, else all frames again and again.
  function start(box) {
    if (playing?.box === box) return stop();
    stop();
    if (box.frames < 2) return undefined;
    if (Gallery.movesLittle()) {
      box.show((box.at + 1) % box.frames);
      return undefined;
    }
    let place = 0;
    const from = box.at;
    const next = () => {
      box.show(place);
      mark(box, place);
      place = (place + 1) % box.frames;
    };
    next();
    playing = { box, from, mark: mark(box, 0), timer: setInterval(next, STEP) };
    return undefined;
  }

  // The pointer plays; where motion is not wanted, its place chooses the frame.
  function playOnHover(target, box) {
    if (!(box.frames > 1)) return;
    const from = box.at;
    target.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse" && !Gallery.movesLittle() && playing?.box !== box)
        start(box);
    });
    target.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse" || !Gallery.movesLittle()) return;
      const { left, width } = target.getBoundingClientRect();
      box.show(Math.floor((box.frames * (event.clientX - left)) / width));
    });
    target.addEventListener("pointerleave", () => {
      if (playing?.box === box) stop();
      else box.show(from);
    });
  }

  Gallery.play = { start, stop, onHover: playOnHover };
})();
