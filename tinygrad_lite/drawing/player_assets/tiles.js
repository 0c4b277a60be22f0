// Tiles: squares of the world; those out of sight are not in the page, so that big graphs stay quick.

const TILE = 600;

/** The group for what stands at a point of the world. */
function tileAt(tiles, layer, x, y) {
  const [column, row] = [Math.floor(x / TILE), Math.floor(y / TILE)];
  const key = `${column},${row}`;
  if (!tiles.has(key)) tiles.set(key, { column, row, groups: new Map(), shown: true });
  const { groups } = tiles.get(key);
  if (!groups.has(layer)) groups.set(layer, layer.appendChild(draw("g")));
  return groups.get(layer);
}

/** Where a wire belongs: to the tile of its middle, or if it is long to none. */
function tileOfWire(tiles, layer, points) {
  const [first, last] = [points[0], points[points.length - 1]];
  const far = Math.max(Math.abs(first[0] - last[0]), Math.abs(first[1] - last[1])) > TILE;
  return far ? layer : tileAt(tiles, layer, (first[0] + last[0]) / 2, (first[1] + last[1]) / 2);
}

/** Put the tiles in sight into the page and those around them; the one that holds `kept` as well. */
function showTiles(tiles, view, kept) {
  const [left, top] = [-view.x / view.scale / TILE, -view.y / view.scale / TILE];
  const right = left + view.area.width / view.scale / TILE;
  const bottom = top + view.area.height / view.scale / TILE;
  for (const tile of tiles.values()) {
    const near = tile.column > left - 2 && tile.column < right + 1 && tile.row > top - 2 && tile.row < bottom + 1;
    const shown = near || [...tile.groups.values()].includes(kept?.parentNode);
    if (tile.shown === shown) continue;
    tile.shown = shown;
    for (const [layer, group] of tile.groups) tile.shown ? layer.append(group) : group.remove();
  }
}
