/** Colour maps: 256 colours each, those of the Python module `lamella.plot.colours`; THIRD-PARTY.md says where they come from. */

/** Names of the maps, in the order in which a menu shows them; each also exists in reversed order, `gray_r` for one. */
export const MAPS = ["gray", "viridis", "inferno", "magma", "cividis", "RdBu_r", "twilight"];

/** Red, green and blue of each colour, as base64. */
const TABLES = {
  viridis: [
    "RAFURAJVRANXRQVYRQZaRQhbRglcRgteRgxfRg5hRw9iRxFjRxJlRxRmRxVnRxZpRxhqSBlrSBpsSBxuSB1vSB5wSCBxSCFySCJzSCN0RyV1RyZ2",
    "Ryd3Ryh4Ryp5Ryt6Ryx7Ri18Ri98RjB9RjF+RTJ/RTR/RTWARTaBRDeBRDmCQzqDQzuDQzyEQj2EQj6FQkCFQUGGQUKGQEOHQESHP0WHP0eIPkiI",
    "PkmJPUqJPUuJPUyJPE2KPE6KO1CKO1GKOlKLOlOLOVSLOVWLOFaLOFeMN1iMN1mMNlqMNluMNVyMNV2MNF6NNF+NM2CNM2GNMmKNMmONMWSNMWWN",
    "MWaNMGeNMGiNL2mNL2qNLmuOLmyOLm2OLW6OLW+OLHCOLHGOLHKOK3OOK3SOKnWOKnaOKneOKXiOKXmOKHqOKHqOKHuOJ3yOJ32OJ36OJn+OJoCO",
    "JoGOJYKOJYONJISNJIWNJIaNI4eNI4iNI4mNIomNIoqNIouNIYyNIY2MIY6MII+MIJCMIJGMH5KMH5OLH5SLH5WLH5aLHpeKHpiKHpmKHpmKHpqJ",
    "HpuJHpyJHp2IHp6IHp+IHqCHH6GHH6KGH6OGIKSFIKWFIaaFIaeEIqeEI6iDI6mCJKqCJauBJqyBJ62AKK5/Ka9/KrB+K7F9LLF9LrJ8L7N7MLR6",
    "MrV6M7Z5Nbd4Nrh3OLl2Obl2O7p1Pbt0PrxzQL1yQr5xRL5wRb9vR8BuScFtS8JsTcJrT8NpUcRoU8VnVcZmV8ZlWcdkW8hiXslhYMlgYspfZMtd",
    "Z8xcacxba81Zbc5YcM5Wcs9VdNBUd9BSedFRfNJPftJOgdNMg9NLhtRJiNVHi9VGjdZEkNZDktdBldc/l9g+mtg8ndk6n9k4oto3pdo1p9szqtsy",
    "rdwwr9wust0std0rt90put4nvd4mv98kwt8ixd8hx+AfyuAezeAdz+Ec0uEb1OEa1+IZ2uIY3OIY3+MY4eMY5OMY5+QZ6eQZ7OQa7uUb8eUc8+Ue",
    "9uYf+OYh+uYi/eck",
  ],
  inferno: [
    "AAADAAAEAAAGAQAHAQEJAQELAgEOAgIQAwISBAMUBAMWBQQYBgQbBwUdCAYfCQYhCgcjCwcmDQgoDggqDwktEAkvEgoyEwo0FAs2Fgs5Fws7GQs+",
    "GgtAHAxDHQxFHwxHIAxKIgtMJAtOJgtQJwtSKQtUKwpWLQpYLgpaMApcMgldNAlfNQlgNwlhOQliOwlkPAllPglmQAlmQQlnQwpoRQppRgppSAtq",
    "SgtqSwxrTQxrTw1sUA1sUg5sUw5tVQ9tVw9tWBBtWhFtWxFuXRJuXxJuYBNuYhRuYxRuZRVuZhVuaBZuahduaxdubRhubhhucBluchltcxptdRtt",
    "dhtteBxtehxtex1sfR1sfh5sgB9rgR9rgyBrhSBqhiFqiCFqiSJpiyJpjSNpjiRokCRokSVnkyVnlSZmliZmmCdlmShkmyhknCljniljoCpioSth",
    "oythpCxgpixfpy1fqS5eqy5drC9crjBbrzFbsTFasjJZtDNYtTNXtzRWuDVWujZVuzdUvTdTvjhSvzlRwTpQwjtPxDxOxT1Nxz5MyD5LyT9Ky0BJ",
    "zEFIzUJHz0RG0EVE0UZD0kdC1EhB1UlA1ko/10s+2U092k4720863FA53VI43lM331Q24FY04lcz41gy5Fox5Vsw5lwu5l4t518s6GEr6WIq6mQo",
    "62Un7Gcm7Wgl7Woj7mwi720h8G8f8HAe8XId8nQc8nUa83cZ83kY9HoW9XwV9X4U9oAS9oER94MQ94UO+IcN+IgM+IoL+YwJ+Y4I+ZAI+pEH+pMG",
    "+pUG+pcG+5kG+5sG+50G+54H+6AH+6II+6QK+6YL+6gN+6oO+6wQ+64S+7AU+7EW+7MY+7Ua+7cc+7ke+rsh+r0j+r8l+sEo+cMq+cUs+ccv+Mkx",
    "+Ms0+M03988699E89tM/9tVC9ddF9dlI9NtL9NxP895S8+BW8+JZ8uRd8uZg8ehk8elo8ets8e1w8e508fB58fJ98vOB8vSF8/aJ9PeN9fiR9vqV",
    "9/uZ+fyd+v2g/P6k",
  ],
  magma: [
    "AAADAAAEAAAGAQAHAQEJAQELAgINAgIPAwMRBAMTBAQVBQQXBgUZBwUbCAYdCQcfCgciCwgkDAkmDQooDgoqDwssEAwvEQwxEg0zFA01FQ44Fg46",
    "Fw88GA8/GhBBGxBEHBBGHhBJHxFLIBFNIhFQIxFSJRFVJhFXKBFZKhFcKxFeLRBgLxBiMBBlMhBnNBBoNQ9qNw9sOQ9uOw9vPA9xPg9yQA9zQg90",
    "Qw91RQ92Rw93SBB4ShB5SxB5TRF6TxF7UBJ7UhJ8UxN8VRN9VxR9WBV+WhV+WxZ+XRd+Xhd/YBh/YRh/Yxl/ZRqAZhqAaBuAaRyAaxyAbB2Abh6B",
    "bx6BcR+Bcx+BdCCBdiGBdyGBeSKBeiKBfCOBfiSBfySBgSWBgiWBhCaBhSaBhyeBiSiBiiiBjCmAjSmAjyqAkSqAkiuAlCuAlSyAlyx/mS1/mi1/",
    "nC5/ni5+ny9+oS9+ozB+pDB9pjF9pzF9qTJ8qzN8rDN7rjR7sDR7sTV6szV6tTZ5tjZ5uDd4uTd4uzh3vTl3vjl2wDp1wjp1wzt0xTx0xjxzyD1y",
    "yj5yyz5xzT9wzkBw0EFv0UJu00Jt1ENt1kRs10Vr2UZq2kdp3Ehp3Ulo3kpn4Etm4Uxm4k1l5E5k5VBj5lFi51Ji6FRh6lVg61Zg7Fhf7Vlf7lte",
    "7l1d715d8GBd8WFc8mNc82Vc82db9Ghb9Wpb9Wxb9m5b9nBb93Fb93Nc+HVc+Hdc+Xlc+Xtd+X1d+n9e+oBe+oJf+4Rg+4Zg+4hh+4pi/Ixj/I5j",
    "/JBk/JJl/JNm/ZVn/Zdo/Zlp/Ztq/Z1r/Z9s/aFu/aJv/aRw/qZx/qhz/qp0/qx1/q52/q94/rF5/rN7/rV8/rd9/rl//ruA/ryC/r6D/sCF/sKG",
    "/sSI/saJ/seL/smN/suO/c2Q/c+S/dGT/dKV/dSX/daY/dia/dqc/dyd/d2f/d+h/eGj/OOl/OWm/Oao/Oiq/Oqs/Oyu/O6w/PCx/PGz/PO1/PW3",
    "+/e5+/m7+/q9+/y/",
  ],
  cividis: [
    "ACJNACNPACNQACRSACVUACZVACZXACdZAChbAChcACleACpgACpiACtkACxmACxnAC1pAC5rAC9tAC9vADBwADBwADFwADFwBDJwCDNwCzNwDjRw",
    "ETVvFDZvFjZvGDdvGjhvHDhuHTluHzpuITtuIjtuJDxuJT1tJz1tKD5tKj9tKz9tLEBtLkFsL0JsMEJsMUNsMkRsNERsNUVsNkZsN0ZsOEdsOUhs",
    "OkhrO0lrPUprPktrP0trQExrQU1rQk1rQ05rRE9rRU9rRlBrR1FrSFFrSVJrSlNrS1RsTFRsTVVsTlZsTlZsT1dsUFhsUVhsUllsU1psVFpsVVtt",
    "VlxtV11tWF1tWV5tWV9tWl9tW2BuXGFuXWFuXmJuX2NuYGRuYWRvYWVvYmZvY2ZvZGdvZWhwZmlwZ2lwaGpwaGtxaWtxamxxa21xbG1ybW5ybm9y",
    "bnBzb3BzcHFzcXJzcnN0c3N0dHR1dHV1dXV1dnZ2d3d2eHh2eXh3eXl3enp3e3t3fHt4fXx4fn14f314gH54gX94goB4g4B4hIF4hYJ4hYN4hoN4",
    "h4R4iIV4iYZ4ioZ4i4d4jIh4jYl4jol4j4p3kIt3kYx3kox3k413lI53lY93lo93l5B2mJF2mZJ2mpN2m5N2nJR2nZV1npZ1n5Z1oJd1oZh0opl0",
    "o5p0pJp0pZtzppxzp51zqJ5zqZ5yqp9yq6ByrKFxraJxrqJxr6NwsKRwsaVwsqZvs6ZvtKdvtahutqlut6ptuKttuattuqxsu61svK5rva9rvrBq",
    "v7BqwbFpwrJpw7NoxLRoxbVnxrVnx7ZmyLdlybhlyrlky7pkzLtjzbxizrxiz71h0L5g0r9g08Bf1MFe1cJe1sNd18Nc2MRb2cVa2sZa28dZ3MhY",
    "3slX38pW4MtV4cxU4sxT481S5M5R5c9Q5tBP6NFO6dJN6tNM69RL7NVK7dZI7tdH79hG8dlE8tpD89pC9NtA9dw/9t09+N47+d86+uA4++E2/eI0",
    "/eMz/eU0/eY2/ec3",
  ],
  RdBu_r: [
    "BTBhBjJjBzRmCDZpCThsCjpvCzxyDD51DUB4DkN7D0V+EUeBEkmEE0uHFE2KFU+NFlGQF1STGFaVGViYGlqbHFyeHV6hHmCkH2KnIGSqIWasI2it",
    "JGquJWyvJ22wKG+wKXGxK3OyLHWzLXa0L3i1MHq2MXy3M324NH+5NYG5N4O6OIS7OYa8O4i9PIq+PYu/P43AQI/BQZHCQ5PDRpTESZbFTJjGT5rH",
    "UpzIVZ7JWKDKW6LLXqTMYabNZajOaKrPa6zQbq7RcbDSdLLTd7TVerbWfbjXgLrYhLzZh77aisDbjcLckMTdk8XelcbfmMjfmsngncrhn8vhos3i",
    "pM7jp8/kqdDkq9LlrtPmsNTms9XntdfouNjoutnpvdrqv9zrwt3rxN7sx9/tyeHtzOLuzuPv0eXw0uXw0+bw1efw1ufx2Ojx2enx2+nx3Ory3uvy",
    "3+zy4ezz4u3z5O7z5e7z5+/06PD06vH06/H07fL17vP18PP18fT28/X29PX29vb29/b29/X09/Ty9/Pw+PLu+PDs+O/q+O7o+e3n+ezl+evj+erh",
    "+enf+ujd+ufb+uXZ+uTX++PW++LU++HS++DQ/N/O/N7M/N3K/NzI/dvH/NjE/NbB+9S++9K8+9C5+s62+sy0+sqx+ceu+cWr+cOp+MGm+L+j+L2h",
    "97ue97mb97eZ9rSW9rKT9bCQ9a6O9ayL9KqI9KiG9KaD86OA8qB+8Z5875t67ph47ZZ27JN065By6o5w6Itu54hs5oVq5YNo5IBl4n1j4Xth4Hhf",
    "33Vd3nJb3XBZ221X2mpV2WhT2GVR12JP1mBN1F1L01pK0VdJ0FRHzlFGzU9FzExDyklCyUZBx0M/xkA+xT48wzs7wjg6wDU4vzI3vjA2vC00uyoz",
    "uScyuCQxtiEvtR8utBwtshkrsBcqrRYqqhUppxQppBMooRIonhEnmxAnmRAnlg8mkw4mkA0ljQwligskhwokhAkjgQgjfgciewYieAUhdQQhcgMg",
    "bwIgbAEfaQAfZwAf",
  ],
  twilight: [
    "4dji4Nni39nh3tng3dng29jf2dje2Nfd1tbc1Nbb0tXaz9TZzdLYytHXx9DWxc/Uws3Tv8zSvMrRucnQtsfPs8bOsMTNrcPMqsHLp8DKpL7KobzJ",
    "nrvIm7nImLfHlrXGk7TGkrPGjrDFi67FiazEiKvEhKnDgqfDgKXDf6TCfKHCep/CeJ3Bd5zBdJrBc5jAcZbAcJXAbpK/bZC/a46/a42/aYm+aIe+",
    "Z4W9ZoS9ZYG9ZH+8ZH28Y3y7Yni7Yna6YXS6YXK5YXG5YG24YGu3X2m2X2e2X2S1X2K0X2CzX16zXluxXlmwXlavXlSuXlGtXk+sXk2qXkuqXUin",
    "XUWmXUOkXUCjXT6hXDyfXDmdXDicWzSZWzKXWjCVWi2SWSuQWSmNWCeLVyWJViKFVSGCVB9/Ux18Uht4UBp1TxlyThhwTBZrShVnSRVkRxRgRRNd",
    "RBJaQhJXQRJVPhFRPRFOOxFLOhBIOBBGNxBDNhBBNRBAMxE9MhE7MhE6MBI4LxM3LxM2MRI2MhI3MxE3NBE3NhE4NxE5ORE5OxE6PRE7PxE8QRE9",
    "QxI+RRI/RxJAShNBTBNCTxRDURREVBVFVRVGWRZHXBZIXhdJYRhKYxhLZhlMaRpMaxpNbhtOcRxOcx1Odh5PeB9PeyBPfSFQfyJQgiRQhCVQhydQ",
    "iShQiypQjSxQkC1Qki9PlDFPljJPmDRPmjZPmzhPnTpPnzxPoD1PokBPpEJPpkRPp0ZPqUlQqktQrE1QrU9Qr1FRsFRRslZSs1hStFpTtV1Ttl9U",
    "t2BUuWRWumZXu2hXvGtZvW1avnBbv3JcwHRdwHdfwXlgwnxiw35kw4FmxINoxYZqxYdrxotux41wx49yyJJ1yJR4yZd6yZl9ypyAyp6Dy6GFzKOJ",
    "zKWMzaiPzaqSzqyVzq6Xz7Gc0LOf0baj0rim07qp07yt1L6w1cC01sK318S72Ma+2cjB2srE28zI287L3M7M3dHQ3tLT3tPV39XX39bZ4Nbb4Nfd",
    "4dje4djf4djh4djh",
  ],
};

/** @type {Map<string, Uint8Array>} */
const made = new Map();

/**
 * Whether there is a map of this name.
 *
 * @param {string | null | undefined} name
 */
export function isMap(name) {
  return typeof name === "string" && MAPS.some((one) => mapBase(one) === mapBase(name));
}

/**
 * Gives the colours of a map: red, green, blue and 255 for each; those of gray for an unknown name.
 *
 * @param {string} name
 */
export function colourTable(name) {
  let table = made.get(name);
  if (!table) {
    table = computedTable(isMap(name) ? name : "gray");
    made.set(name, table);
  }
  return table;
}

/**
 * Gives the name of a map without its order.
 *
 * @param {string} name
 */
export function mapBase(name) {
  return name.replace(/_r$/, "");
}

/** @param {string} name */
function computedTable(name) {
  const stored = mapBase(name) === "RdBu" ? "RdBu_r" : mapBase(name);
  const rgb = stored === "gray" ? grays() : storedTable(stored);
  const backwards = name.endsWith("_r") !== stored.endsWith("_r");
  const table = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) {
    const from = 3 * (backwards ? 255 - i : i);
    table.set([rgb[from], rgb[from + 1], rgb[from + 2], 255], 4 * i);
  }
  return table;
}

function grays() {
  return Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
}

/** @param {string} name */
function storedTable(name) {
  const lines = TABLES[/** @type {keyof typeof TABLES} */ (name)];
  return Uint8Array.from(atob(lines.join("")), (letter) => letter.charCodeAt(0));
}
