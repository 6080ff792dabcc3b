// What part of the map is on the screen: shift and zoom, from places of videos to pixels.
"use strict";

(() => {
  const MARGIN = 28;
  const MOST = 40;

  class MapView {
    constructor() {
      this.reset();
    }

    reset() {
      this.zoom = 1;
      this.x = 0.5;
      this.y = 0.5;
    }

    resize(width, height) {
      this.width = width;
      this.height = height;
    }

    get scale() {
      return [(this.width - 2 * MARGIN) * this.zoom, (this.height - 2 * MARGIN) * this.zoom];
    }

    toPixels(x, y) {
      const [across, down] = this.scale;
      return [(x - this.x) * across + this.width / 2, (y - this.y) * down + this.height / 2];
    }

    toPlace(left, top) {
      const [across, down] = this.scale;
      return [(left - this.width / 2) / across + this.x, (top - this.height / 2) / down + this.y];
    }

    // Zoom so that what is under a pixel stays under it.
    zoomAt(left, top, factor) {
      const [x, y] = this.toPlace(left, top);
      this.zoom = Math.max(1, Math.min(MOST, this.zoom * factor));
      const [across, down] = this.scale;
      this.x = x - (left - this.width / 2) / across;
      this.y = y - (top - this.height / 2) / down;
      this.hold();
    }

    move(left, top) {
      const [across, down] = this.scale;
      this.x -= left / across;
      this.y -= top / down;
      this.hold();
    }

    hold() {
      const spare = 0.5 / this.zoom;
      this.x = Math.max(Math.min(this.x, 1 + spare - 0.5 / this.zoom), 0.5 / this.zoom - spare);
      this.y = Math.max(Math.min(this.y, 1 + spare - 0.5 / this.zoom), 0.5 / this.zoom - spare);
    }
  }

  Gallery.MapView = MapView;
})();
