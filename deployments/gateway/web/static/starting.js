"use strict";
/* Asks again. A refresh by the page alone would not leave an address with a fragment, as a sign-in link is. */
setTimeout(() => location.reload(), 1000);
