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

// Gives the number at a pixel, and 1 if it is known.
vec2 numberAt(ivec2 texel) {
  float value = texelFetch(uValues, clamp(texel, ivec2(0), uSize - 1), 0).x;
  return value > UNKNOWN ? vec2(0.0) : vec2(value, 1.0);
}

// Gives a vector (y, x), and 1 if it is known.
vec3 vectorAt(ivec2 texel) {
  ivec2 inside = clamp(texel, ivec2(0), uSize - 1);
  vec2 v = vec2(texelFetch(uValues, inside, 0).x, texelFetch(uValues, inside + ivec2(0, uSize.y), 0).x);
  return any(greaterThan(v, vec2(UNKNOWN))) ? vec3(0.0) : vec3(v, 1.0);
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, uHeight - gl_FragCoord.y);
  vec2 place = uOrigin + at * uStep;
  ivec2 texel = ivec2(floor(place));
  if (any(lessThan(texel, ivec2(0))) || any(greaterThanEqual(texel, uSize))) discard;
  bool between = any(greaterThan(uStep, vec2(1.25)));  // a pixel of the screen covers more than one: take four
  ivec2 low = ivec2(floor(place - 0.25 * uStep));
  ivec2 high = ivec2(floor(place + 0.25 * uStep));
  if (uKind == 2) {
    vec4 one = texelFetch(uValues, texel, 0);
    colour = vec4(mix(hatched(at), one.rgb, one.a), 1.0);
  } else if (uKind == 1) {
    vec3 sum = between
      ? vectorAt(low) + vectorAt(ivec2(high.x, low.y)) + vectorAt(ivec2(low.x, high.y)) + vectorAt(high)
      : vectorAt(texel);
    colour = vec4(sum.z > 0.0 ? field(sum.xy / sum.z) : hatched(at), 1.0);
  } else {
    vec2 sum = between
      ? numberAt(low) + numberAt(ivec2(high.x, low.y)) + numberAt(ivec2(low.x, high.y)) + numberAt(high)
      : numberAt(texel);
    colour = sum.y > 0.0
      ? texelFetch(uTable, ivec2(min(int(fraction(sum.x / sum.y) * 256.0), 255), 0), 0)
      : vec4(hatched(at), 1.0);
  }
}`;
