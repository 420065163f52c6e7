// A wallet's day with @solana/web3.js; what was found is printed as JSON.
import {
  AddressLookupTableProgram,
  Connection,
  Keypair,
  LAMPORTS_PER_SOL,
  PublicKey,
  SystemProgram,
  Transaction,
  TransactionMessage,
  VersionedTransaction,
  sendAndConfirmTransaction,
} from "@solana/web3.js";

const [url, wsEndpoint, mint] = process.argv.slice(2);
const connection = new Connection(url, { commitment: "confirmed", wsEndpoint });
const wallet = Keypair.generate();
const receiver = Keypair.generate().publicKey;
const payment = (lamports) =>
  SystemProgram.transfer({ fromPubkey: wallet.publicKey, toPubkey: receiver, lamports });

async function confirmed(signature, latest) {
  const { value } = await connection.confirmTransaction({ signature, ...latest }, "confirmed");
  if (value.err) throw new Error(JSON.stringify(value.err));
}

async function send(instructions, tables = []) {
  const latest = await connection.getLatestBlockhash();
  const message = new TransactionMessage({
    payerKey: wallet.publicKey,
    recentBlockhash: latest.blockhash,
    instructions,
  }).compileToV0Message(tables);
  const tx = new VersionedTransaction(message);
  tx.sign([wallet]);
  const signature = await connection.sendTransaction(tx);
  await confirmed(signature, latest);
  return signature;
}

const latest = await connection.getLatestBlockhash();
await confirmed(await connection.requestAirdrop(wallet.publicKey, 3 * LAMPORTS_PER_SOL), latest);

// The library subscribes in its own time, so a change may come before: the last one comes after in any case.
const all = LAMPORTS_PER_SOL + 1_000;
const seen = new Promise((resolve) =>
  connection.onAccountChange(receiver, ({ lamports }) => lamports === all && resolve(lamports)),
);
await sendAndConfirmTransaction(connection, new Transaction().add(payment(LAMPORTS_PER_SOL)), [wallet]);

const recentSlot = await connection.getSlot("finalized");
const [create, table] = AddressLookupTableProgram.createLookupTable({
  authority: wallet.publicKey,
  payer: wallet.publicKey,
  recentSlot,
});
const extend = AddressLookupTableProgram.extendLookupTable({
  lookupTable: table,
  authority: wallet.publicKey,
  payer: wallet.publicKey,
  addresses: [receiver],
});
await send([create, extend]);
const { value: lookup } = await connection.getAddressLookupTable(table);
const signature = await send([payment(1_000)], [lookup]);
const landed = await connection.getTransaction(signature, { maxSupportedTransactionVersion: 0 });
const parsed = await connection.getParsedTransaction(signature, { maxSupportedTransactionVersion: 0 });

const refused = await send([payment(100 * LAMPORTS_PER_SOL)]).catch((error) => error);
const slot = await connection.getSlot();
const token = new PublicKey(mint);
const filters = [{ dataSize: 165 }, { memcmp: { offset: 0, bytes: token.toBase58() } }];
const held = await connection.getProgramAccounts((await connection.getAccountInfo(token)).owner, { filters });

console.log(
  JSON.stringify({
    told: await seen,
    balance: await connection.getBalance(receiver),
    loaded: landed.meta.loadedAddresses.writable.map((key) => key.toBase58()),
    receiver: receiver.toBase58(),
    sources: parsed.transaction.message.accountKeys.map((key) => key.source),
    refused: refused.transactionError?.message ?? String(refused),
    history: (await connection.getSignaturesForAddress(wallet.publicKey)).length,
    blocks: (await connection.getBlocks(slot - 2, slot)).length,
    time: await connection.getBlockTime(slot - 2),
    epoch: (await connection.getEpochInfo()).slotsInEpoch,
    fees: (await connection.getRecentPrioritizationFees()).length > 0,
    holders: (await connection.getTokenLargestAccounts(token)).value.length,
    held: held.length,
  }),
);
process.exit(0);
