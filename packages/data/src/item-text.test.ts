import { describe, expect, it } from 'vitest';
import { itemText, itemTextSchema } from './item-text.js';

describe('itemText', () => {
  it('joins title, brand, categories without their root, and price', () => {
    const item = {
      id: 'B004756YJA',
      title: 'OPI Nail Lacquer, Simmer and Shimmer',
      brand: 'OPI',
      categories: [['Beauty', 'Makeup', 'Nails', 'Nail Polish']],
      price: 8.5,
    };
    expect(itemText(item)).toBe('OPI Nail Lacquer, Simmer and Shimmer. OPI. Makeup, Nails, Nail Polish. price 8.5');
  });

  it('leaves out what is missing or blank', () => {
    expect(itemText({ id: '1' })).toBe('');
    expect(itemText({ id: '1', title: ' ', brand: 'Avalon', categories: [] })).toBe('Avalon');
    expect(itemText({ id: '1', title: 'Sample', price: 0 })).toBe('Sample. price 0');
  });

  it('names each category of several paths once, and keeps flat tags', () => {
    const categories = [['Beauty', 'Hair Care', 'Shampoos'], ['Beauty', 'Hair Care', 'Conditioners'], ['Vegan']];
    expect(itemText({ id: '1', categories })).toBe('Hair Care, Shampoos, Conditioners, Vegan');
  });

  it('unescapes HTML and collapses white space', () => {
    const item = {
      id: '1',
      title: 'Crabtree &amp; Evelyn\n  &#39;Gardeners&#39; Cr&egrave;me',
      categories: [['All', 'Bath &amp; Body']],
    };
    expect(itemText(item)).toBe("Crabtree & Evelyn 'Gardeners' Crème. Bath & Body");
  });

  it('takes the configured fields in their order', () => {
    const item = { id: '1', title: 'Soap', brand: 'Acme', description: 'Smells &lt;good&gt;' };
    expect(itemText(item, { fields: ['description', 'title'] })).toBe('Smells <good>. Soap');
  });
});

describe('itemTextSchema', () => {
  it('refuses unknown fields and keys', () => {
    expect(itemTextSchema.safeParse({ fields: ['colour'] }).success).toBe(false);
    expect(itemTextSchema.safeParse({ field: ['title'] }).success).toBe(false);
    expect(itemTextSchema.safeParse({ fields: [] }).success).toBe(false);
  });
});
