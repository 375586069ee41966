// What can be drawn on an image: how many points a shape has, where its handles are, and how it is written in answers.

const vertices = (points) => points.map(({ x, y }) => ({ x, y }));
const numbers = (...all) => all.every((one) => Number.isFinite(one));

function corners([from, to]) {
  return [from, { x: to.x, y: from.y }, to, { x: from.x, y: to.y }];
}

/** A box from any two opposite corners, the upper left one first. */
export function box([from, to]) {
  const [left, right] = [from.x, to.x].toSorted((a, b) => a - b);
  const [top, bottom] = [from.y, to.y].toSorted((a, b) => a - b);
  return [{ x: left, y: top }, { x: right, y: bottom }];
}

const boxes = {
  one: "box", key: "boundingBoxes", least: 2, most: 2, closed: true,
  handles: corners,
  move: (points, at, to) => {
    const [, , opposite] = [...corners(points).slice(at), ...corners(points).slice(0, at)];
    return [to, opposite];
  },
  tidy: box,
  outline: (points) => corners(points),
  dump: ({ label, points: [from, to] }) => ({ height: to.y - from.y, label, left: from.x, top: from.y, width: to.x - from.x }),
  load: ({ left, top, width, height }) => (numbers(left, top, width, height) ? box([{ x: left, y: top }, { x: left + width, y: top + height }]) : null),
  tell: ([from, to]) => `${to.x - from.x} × ${to.y - from.y} at ${from.x}, ${from.y}`,
};

const path = {
  handles: (points) => points,
  move: (points, at, to) => points.with(at, to),
  tidy: (points) => points,
  outline: (points) => points,
  dump: ({ label, points }) => ({ label, vertices: vertices(points) }),
  load: ({ vertices: given }) => (Array.isArray(given) && given.every(({ x, y }) => numbers(x, y)) ? vertices(given) : null),
  tell: (points) => `${points.length} points, from ${points[0].x}, ${points[0].y}`,
};

export const KINDS = {
  box: boxes,
  keypoint: {
    ...path, one: "point", key: "keypoints", least: 1, most: 1,
    dump: ({ label, points: [{ x, y }] }) => ({ label, x, y }),
    load: ({ x, y }) => (numbers(x, y) ? [{ x, y }] : null),
    tell: ([{ x, y }]) => `at ${x}, ${y}`,
  },
  polygon: { ...path, one: "polygon", key: "polygons", least: 3, most: Infinity, closed: true, grows: true },
  polyline: { ...path, one: "polyline", key: "polylines", least: 2, most: Infinity, grows: true },
  line: { ...path, one: "line", key: "lines", least: 2, most: 2 },
};

/** The `d` of an SVG path through points. */
export const trace = (points, closed) => (points.length ? `M${points.map(({ x, y }) => `${x} ${y}`).join("L")}${closed && points.length > 1 ? "Z" : ""}` : "");

/** A shape moved as a whole, at most to the edges of the image. */
export function moved(points, dx, dy, width, height) {
  const within = (by, values, most) => Math.min(most - Math.max(...values), Math.max(-Math.min(...values), by));
  const x = within(dx, points.map((one) => one.x), width);
  const y = within(dy, points.map((one) => one.y), height);
  return points.map((one) => ({ x: one.x + x, y: one.y + y }));
}

export const middle = (from, to) => ({ x: Math.round((from.x + to.x) / 2), y: Math.round((from.y + to.y) / 2) });

/** The upper left corner of what points span. */
export const corner = (points) => ({ x: Math.min(...points.map(({ x }) => x)), y: Math.min(...points.map(({ y }) => y)) });
