// What stays in this browser: the key pair, whose private half no script can read, and the names given to agents.

const open = () => new Promise((resolve, reject) => {
  const asked = indexedDB.open("purser-wallet", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
});

async function within(mode, call) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("kept", mode);
      const asked = call(transaction.objectStore("kept"));
      // A key counts as kept when it is on the disk, not when it was handed over.
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const recall = (name) => within("readonly", (kept) => kept.get(name));
export const keep = (name, value) => within("readwrite", (kept) => kept.put(value, name));
export const forget = () => within("readwrite", (kept) => kept.clear());
