// What the gate says of one page: the test of the gate itself.
export default async function gate(ctx) {
  await ctx.step('open the page', () => ctx.goto('/'));
  await ctx.step('look at it', async () => ctx.tell('violations', await ctx.look('page', ctx.input.look)));
}
