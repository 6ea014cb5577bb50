/** A setting that does not parse or does not exist: always with the words that put it right. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}
