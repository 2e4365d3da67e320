// Drives an OBS with obs-websocket-js and prints what came of it as one JSON object.
//
//     node client.js FOLDER json|msgpack URL PASSWORD
//
// FOLDER is where npm put obs-websocket-js.

import { createRequire } from 'node:module';

const [folder, encoding, url, password] = process.argv.slice(2);
const { default: OBSWebSocket, EventSubscription } = createRequire(`${folder}/`)(`obs-websocket-js/${encoding}`);

const obs = new OBSWebSocket();
const told = [];
const found = {};
const once = (name) => new Promise((resolve) => obs.once(name, resolve));
const refused = async (promise) => promise.then(
  () => null,
  ({ code, message }) => ({ code, message }),
);

found.wrongPassword = (await refused(obs.connect(url, `${password}?`))).code;
found.identified = await obs.connect(url, password, { eventSubscriptions: EventSubscription.All });
obs.on('CurrentProgramSceneChanged', ({ sceneName }) => told.push(sceneName));

found.version = await obs.call('GetVersion');
found.before = await obs.call('GetSceneList');
const changed = once('CurrentProgramSceneChanged');
await obs.call('SetCurrentProgramScene', { sceneName: 'Hitam' });
await changed;
found.after = await obs.call('GetCurrentProgramScene');
found.missing = await refused(obs.call('SetCurrentProgramScene', { sceneName: 'Tidak ada' }));

await obs.call('SetInputVolume', { inputName: 'Mikrofon', inputVolumeDb: -6.5 });
found.volume = await obs.call('GetInputVolume', { inputName: 'Mikrofon' });
await obs.call('SetInputSettings', { inputName: 'Judul', inputSettings: { text: 'Rapat é ✓ '.repeat(100) } });
found.text = (await obs.call('GetInputSettings', { inputName: 'Judul' })).inputSettings.text;

const started = once('RecordStateChanged');
await obs.call('StartRecord');
found.recording = (await started).outputState;

found.batch = await obs.callBatch(
  [
    { requestType: 'GetStudioModeEnabled' },
    { requestType: 'Sleep', requestData: { sleepMillis: 10 } },
    { requestType: 'NoSuchRequest' },
    { requestType: 'GetStats' },
  ],
  { haltOnFailure: true },
);

await obs.reidentify({ eventSubscriptions: EventSubscription.InputVolumeMeters });
found.meters = (await once('InputVolumeMeters')).inputs.map(({ inputName }) => inputName);
found.picture = (await obs.call('GetSourceScreenshot', {
  sourceName: 'Gambar kamera', imageFormat: 'jpg', imageWidth: 320,
})).imageData.slice(0, 23);

found.told = told;
await obs.disconnect();
console.log(JSON.stringify(found));
