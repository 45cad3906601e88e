import { mount } from 'svelte';
import App from './App.svelte';
import { listen } from './lib/api';
import { bell } from './lib/bell.svelte';
import { i18n } from './lib/i18n/index.svelte';
import { live } from './lib/live.svelte';
import { router } from './lib/router.svelte';
import { session } from './lib/session.svelte';
import './styles/tokens.css';
import './styles/base.css';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has the element #app');

listen({
  language: () => i18n.language,
  reached: (yes) => live.reached(yes),
  signedOut: () => session.lost(),
});
router.start();
live.start();
bell.start();
void session.start();
// Who could not be asked for while the gateway was away is asked for when it is back.
live.watch({ returned: () => session.member === null && void session.start() });
await i18n.start();
mount(App, { target });
