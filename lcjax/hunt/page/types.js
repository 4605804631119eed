/**
 * What the server gives, as types.
 * @typedef {{id: number, survey: string, object_id: string, mjd: number, first_mjd: number, ra: number, dec: number, band: string, magnitude: number|null,
 *   magnitude_error: number|null, galactic_latitude: number, n_detections: number, rise_rate: number|null, score: number|null,
 *   entropy: number|null, top_class: string, known: string, known_separation: number|null, duplicate_of: string, decision: string,
 *   n_votes: number, agreed: boolean, star_distance: number|null, star_score: number|null, solar_system_distance: number|null,
 *   real_bogus: number|null, host_separation: number|null, host_scatter: number|null, arrived: number}} Row
 * @typedef {{name: string, height: number, width: number, pixel_scale: number, world: number[]|null}} StampInfo
 * @typedef {{band: string, height: number, width: number, pixel_scale: number, world: number[]|null}} ColourInfo
 * @typedef {{model: string, class_names: string[], probabilities: number[]|null, entropy: number|null, refused: string, loaded: boolean}} Prediction
 * @typedef {{x: number, y: number, separation: number, scatter: number|null, ra: number|null, dec: number|null,
 *   semi_major_axis: number|null, variants: number[][], method: string}} HostAnswer
 * @typedef {{finder: string, cutout: string, answer: HostAnswer|null, refused: string}} Host
 * @typedef {{user: string, label: string, at: number}} Vote
 * @typedef {{user: string, text: string, at: number}} Note
 * @typedef {{votes: Vote[], notes: Note[], tags: string[], id: number, object_id: string, decision: string, agreed: boolean, n_votes: number}} State
 * @typedef {{name: string, value: number|string|null, unit: string, meaning: string}} Field
 * @typedef {Object<string, any[]>} Columns
 * @typedef {Row & State & {fields: Field[], stamps: StampInfo[], colours: ColourInfo[], schema: string|null, predictions: Prediction[], hosts: Host[], origin: string,
 *   light_curve: {detections: Columns, limits: Columns, forced: Columns}, links: {name: string, address: string}[], alert_id: number, rise_rate_error: number|null, lost_stamps: string[]}} Detail
 * @typedef {{user: string, csrf: string, wanted: string, bogus: string, labels: string[], feed: string,
 *   models: {name: string, class_names: string[]}[]}} Me
 * @typedef {{detail: Detail, pixels: Float32Array[]}} Whole
 */
export {};
