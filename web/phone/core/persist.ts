/** Asks the browser to keep what the phone holds; on the page only, workers cannot ask. */

/** Asks the browser not to throw our data away when space gets short; whether it promised. */
export async function askToPersist(storage: StorageManager | undefined = navigator.storage): Promise<boolean> {
  if (!storage?.persist) return false;
  try {
    return (await storage.persisted()) || (await storage.persist());
  } catch {
    return false;
  }
}
