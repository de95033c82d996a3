/** What the graphics card does for each pixel of the screen. */

export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2((gl_VertexID & 1) * 4 - 1, (gl_VertexID & 2) * 2 - 1);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

/** Kinds: 0 an image, 1 a field (y components, and below them x components), 2 colours. Scales: linear, log, gamma. */
export const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
uniform sampler2D uValues;
uniform sampler2D uTable;
uniform ivec2 uSize;
uniform float uHeight;
uniform vec2 uOrigin;
uniform vec2 uStep;
uniform int uKind;
uniform int uScale;
uniform vec2 uRange;
uniform float uGamma;
uniform float uEqual;
out vec4 colour;

const float UNKNOWN = 2.5e38;
const int MOST = 8;

vec3 hatched(vec2 at) {
  return vec3(mod(at.x + at.y, 8.0) < 4.0 ? 0.55 : 0.42);
}

vec3 field(vec2 v) {
  float size = length(v);
  float bright = uRange.y > 0.0 ? clamp(size / uRange.y, 0.0, 1.0) : 0.0;
  vec2 unit = size > 0.0 ? v / size : vec2(0.0);
  vec3 phase = vec3(0.0, 2.0943951, 4.1887902);
  return (0.5 + 0.5 * (unit.y * cos(phase) + unit.x * sin(phase))) * bright;
}

float fraction(float value) {
  if (!(uRange.y > uRange.x)) return uEqual;
  float inside = clamp(value, uRange.x, uRange.y);
  if (uScale == 1) return log(inside / uRange.x) / log(uRange.y / uRange.x);
  float part = (inside - uRange.x) / (uRange.y - uRange.x);
  return uScale == 2 ? pow(part, uGamma) : part;
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, uHeight - gl_FragCoord.y);
  vec2 place = uOrigin + at * uStep;
  if (any(lessThan(place, vec2(0.0))) || any(greaterThanEqual(place, vec2(uSize)))) discard;
  ivec2 count = ivec2(clamp(ceil(uStep - 0.25), vec2(1.0), vec2(float(MOST))));
  vec4 sum = vec4(0.0);
  float known = 0.0;
  for (int i = 0; i < MOST * MOST; i++) {
    if (i >= count.x * count.y) break;
    vec2 shift = (vec2(i % count.x, i / count.x) + 0.5) / vec2(count) - 0.5;
    ivec2 texel = clamp(ivec2(floor(place + (all(equal(count, ivec2(1))) ? vec2(0.0) : shift * uStep))), ivec2(0), uSize - 1);
    vec4 one = texelFetch(uValues, texel, 0);
    if (uKind == 1) one.y = texelFetch(uValues, texel + ivec2(0, uSize.y), 0).x;
    if (uKind == 2 ? one.a <= 0.0 : (one.x > UNKNOWN || (uKind == 1 && one.y > UNKNOWN))) continue;
    sum += one;
    known += 1.0;
  }
  if (known == 0.0) {
    colour = vec4(hatched(at), 1.0);
    return;
  }
  vec4 mean = sum / known;
  if (uKind == 2) colour = vec4(mix(hatched(at), mean.rgb, mean.a), 1.0);
  else if (uKind == 1) colour = vec4(field(mean.xy), 1.0);
  else colour = texelFetch(uTable, ivec2(min(int(fraction(mean.x) * 256.0), 255), 0), 0);
}`;
