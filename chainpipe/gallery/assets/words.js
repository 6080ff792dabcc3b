// Numbers as people read them.
"use strict";

(() => {
  function clock(seconds, digits = 0) {
    const step = 10 ** digits;
    const whole = Math.round(seconds * step) / step;
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    const rest = (whole % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
    if (hours) return `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
    return `${minutes}:${rest}`;
  }

  function size(bytes) {
    let value = bytes;
    for (const unit of ["B", "kB", "MB", "GB"]) {
      if (value < 999.5) return `${Number(value.toPrecision(3))} ${unit}`;
      value /= 1000;
    }
    return `${Number(value.toPrecision(3))} TB`;
  }

  function counted(count, one, many = `${one}s`) {
    return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  }

  function percent(share) {
    return `${Math.round(share * 100)} %`;
  }

  Gallery.words = { clock, size, counted, percent };
})();
