// COCO's compressed run-length encoding of masks: runs down the columns, differences to the run before the last, five bits a sign.

/** {size: [height, width], counts, area} of the cells of a mask (rows first) that have a value. */
export function encode(cells, width, height, value) {
  const runs = [];
  let [area, run, inside] = [0, 0, false];
  for (let x = 0; x < width; x += 1) {
    for (let y = 0; y < height; y += 1) {
      const is = cells[y * width + x] === value;
      if (is !== inside) {
        runs.push(run);
        [run, inside] = [0, is];
      }
      run += 1;
      area += is ? 1 : 0;
    }
  }
  return { size: [height, width], counts: pack([...runs, run]), area };
}

function pack(runs) {
  let packed = "";
  for (const [at, run] of runs.entries()) {
    let rest = at > 2 ? run - runs[at - 2] : run;
    for (let more = true; more;) {
      let five = rest & 0x1f;
      rest >>= 5;
      more = five & 0x10 ? rest !== -1 : rest !== 0;
      if (more) five |= 0x20;
      packed += String.fromCharCode(five + 48);
    }
  }
  return packed;
}

function unpack(packed) {
  const runs = [];
  for (let at = 0; at < packed.length;) {
    let [run, shift, five] = [0, 0, 0x20];
    while (five & 0x20) {
      five = packed.charCodeAt(at) - 48;
      at += 1;
      run |= (five & 0x1f) << shift;
      shift += 5;
    }
    if (five & 0x10) run |= -1 << shift;
    runs.push(runs.length > 2 ? run + runs[runs.length - 2] : run);
  }
  return runs;
}

/** Write a value into the cells that a mask of COCO covers; false if the mask is of another size, or broken. */
export function decode({ size, counts }, cells, width, height, value) {
  if (size?.[0] !== height || size?.[1] !== width || typeof counts !== "string") return false;
  const runs = unpack(counts);
  if (runs.some((run) => run < 0) || runs.reduce((sum, run) => sum + run, 0) !== cells.length) return false;
  let [at, inside] = [0, false];
  for (const run of runs) {
    if (inside) for (let cell = at; cell < at + run; cell += 1) cells[(cell % height) * width + Math.floor(cell / height)] = value;
    at += run;
    inside = !inside;
  }
  return true;
}
