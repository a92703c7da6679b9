/** How to get a model that is not on this machine yet. */
export interface HubOptions {
  /** A branch, tag or commit of a repository on the Hub. @default "main" */
  readonly revision?: string;
  /**
   * Token of an account, for private and gated models.
   * @default HF_TOKEN, or the token that `hf auth login` keeps
   */
  readonly token?: string;
  /**
   * Folder of downloaded models, in the layout of Python's `huggingface_hub`.
   * @default HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub
   */
  readonly cacheDir?: string;
  /** The variant of the weights: `"fp16"` takes `model.fp16.safetensors`, and the plain file where there is none. */
  readonly variant?: string;
  /** Folder of one network inside; only its files are downloaded. */
  readonly subfolder?: string;
  /** Folders inside that are not downloaded, because the caller has parts of its own. */
  readonly without?: readonly string[];
  /** Configurations and vocabularies without weights: for a model that lends them to a single file. @default false */
  readonly settingsOnly?: boolean;
  /** Called about ten times a second while files are downloaded, and once at their end. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Called for what is odd but no error. */
  readonly onWarning?: (warning: HubWarning) => void;
  /** Ends a download; what has arrived is kept, and the next one continues there. */
  readonly signal?: AbortSignal;
}

/** How far a download is, over all of a model's files. */
export interface DownloadProgress {
  /** Bytes that are here, those of earlier downloads included. */
  readonly loaded: number;
  /** Bytes of all files. */
  readonly total: number;
  /** The file whose bytes came last, by its path inside the model. */
  readonly file?: string;
  /** By the pace since the beginning; left out until there is one. */
  readonly secondsLeft?: number;
}

/** Something that a user should know and that does not stop the work. */
export interface HubWarning {
  /** `"cached-model"`: the Hub could not be asked, so the model is the one downloaded before. */
  readonly code: "cached-model";
  readonly message: string;
}
