"""The pages as an app on a phone: manifest, service worker, the page without network, what other apps share."""
