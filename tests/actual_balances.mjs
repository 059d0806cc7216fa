// Actual's own library opens the budget from its server and says what it has.
//   node actual_balances.mjs MODULES URL PASSWORD SYNC_ID FOLDER   (MODULES: the folder node_modules that npm filled)
import { createRequire } from 'node:module';

const [modules, serverURL, password, syncId, dataDir] = process.argv.slice(2);
const api = createRequire(`${modules}/x.js`)('@actual-app/api');
const log = console.log;
console.log = () => {}; // the library tells what it does on the same stream
await api.init({ dataDir, serverURL, password });
await api.downloadBudget(syncId);
const told = {};
for (const account of await api.getAccounts()) {
  const transactions = await api.getTransactions(account.id, '1900-01-01', '2999-12-31');
  told[account.name] = {
    balance: await api.getAccountBalance(account.id),
    ids: transactions.map(one => one.imported_id),
    parts: transactions.flatMap(one => (one.subtransactions ?? []).map(part => part.amount)),
  };
}
log(JSON.stringify(told));
await api.shutdown();
