// A payment with @solana/kit; what was found is printed as JSON.
import {
  AccountRole,
  airdropFactory,
  appendTransactionMessageInstruction,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  getSignatureFromTransaction,
  lamports,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from "@solana/kit";

const [url, wsUrl, mint] = process.argv.slice(2);
const rpc = createSolanaRpc(url);
const rpcSubscriptions = createSolanaRpcSubscriptions(wsUrl);
const [wallet, receiver] = [await generateKeyPairSigner(), await generateKeyPairSigner()];

function payment(amount) {
  const data = new Uint8Array(12);
  new DataView(data.buffer).setUint32(0, 2, true);
  new DataView(data.buffer).setBigUint64(4, amount, true);
  const accounts = [
    { address: wallet.address, role: AccountRole.WRITABLE_SIGNER, signer: wallet },
    { address: receiver.address, role: AccountRole.WRITABLE },
  ];
  return { programAddress: "11111111111111111111111111111111", accounts, data };
}

async function pay(amount) {
  const { value: latest } = await rpc.getLatestBlockhash().send();
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayerSigner(wallet, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash(latest, m),
    (m) => appendTransactionMessageInstruction(payment(amount), m),
  );
  const tx = await signTransactionMessageWithSigners(message);
  await sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions })(tx, { commitment: "confirmed" });
  return getSignatureFromTransaction(tx);
}

const airdrop = airdropFactory({ rpc, rpcSubscriptions });
await airdrop({ commitment: "confirmed", lamports: lamports(2_000_000_000n), recipientAddress: wallet.address });
const signature = await pay(1_000_000_000n);
const refused = await pay(9_000_000_000n).catch((error) => error);
const options = { commitment: "confirmed", encoding: "json", maxSupportedTransactionVersion: 0 };
const landed = await rpc.getTransaction(signature, options).send();
const account = await rpc.getAccountInfo(mint, { encoding: "base64+zstd" }).send();
const behind = await rpc.getBalance(wallet.address, { minContextSlot: 10n ** 12n }).send().catch((error) => error);

const found = {
  balance: (await rpc.getBalance(receiver.address, { commitment: "confirmed" }).send()).value,
  fee: landed.meta.fee,
  refused: refused.context?.__code ?? String(refused),
  behind: behind.context?.__code ?? String(behind),
  encoding: account.value.data[1],
  time: await rpc.getBlockTime(landed.slot).send(),
  blocks: (await rpc.getBlocks(landed.slot, landed.slot, { commitment: "confirmed" }).send()).length,
  holders: (await rpc.getTokenLargestAccounts(mint).send()).value.length,
  epoch: (await rpc.getEpochInfo().send()).slotsInEpoch,
};
console.log(JSON.stringify(found, (_key, value) => (typeof value === "bigint" ? Number(value) : value)));
process.exit(0);
